/** Notes errors that nobody has caught, and what is written to the console as one. */
export function watchForProblems(): string[] {
  const problems: string[] = [];
  addEventListener("error", ({ message }) => problems.push(message));
  addEventListener("unhandledrejection", ({ reason }) => problems.push(`unhandled: ${reason}`));
  const { error } = console;
  console.error = (...words: unknown[]) => {
    problems.push(words.join(" "));
    error(...words);
  };
  return problems;
}
