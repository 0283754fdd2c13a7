// A page without a bundler: it finds the package by its import map, and the package its file.
import { init } from "trigger-chat-transport/slim";
import { echo } from "./echo.mjs";

await init();

const [input, output] = document.querySelectorAll("input, output");
input.addEventListener("change", async () => {
  output.textContent = await echo(location.origin, input.value);
});
input.disabled = false;
