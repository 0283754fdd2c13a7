import { createApp } from "vue";
import "../../shared/style.css";
import App from "./app.vue";

createApp(App).mount("#app");
