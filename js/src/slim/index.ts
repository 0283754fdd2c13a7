export * from "../index.js";
export { init, type WasmSource } from "./wasm.js";
