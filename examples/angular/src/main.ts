// Templates are compiled in the page, so that the example needs nothing but Vite. An app of Angular's
// own command line compiles them beforehand, and leaves this import out.
import "@angular/compiler";
import { bootstrapApplication } from "@angular/platform-browser";
import "../../shared/style.css";
import { App } from "./app";

void bootstrapApplication(App);
