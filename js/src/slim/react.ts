"use client";

export * from "../react.js";
export { init, type WasmSource } from "./wasm.js";
