/** `true` where the types are the same, member for member, with the same `?` and `readonly`. */
export type Equal<A, B> =
  (<T>() => T extends Plain<A> ? 1 : 2) extends <T>() => T extends Plain<B> ? 1 : 2 ? true : false;

/** Without the traces of how a type was put together: `A & B` becomes one object. */
type Plain<T> = T extends (...args: infer Args) => infer Result
  ? (...args: Args) => Result
  : T extends object
    ? { [Key in keyof T]: T[Key] }
    : T;

/** Compiles where every fact is `true`; else the compiler names the one that is not. */
export declare function proves<_Facts extends Record<keyof _Facts, true>>(): void;
