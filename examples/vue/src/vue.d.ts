// What `tsc` is told of the files that only Vue's compiler reads.
declare module "*.vue" {
  import type { Component } from "vue";

  const component: Component;
  export default component;
}
