import { mount } from "svelte";
import "../../shared/style.css";
import App from "./app.svelte";

const target = document.getElementById("app");
if (!target) throw new Error("index.html has no #app");

mount(App, { target });
