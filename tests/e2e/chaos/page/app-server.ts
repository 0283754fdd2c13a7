/** Lets the app's functions be served from there. */
export function serveBy(origin: string): void {
  const servedAs =
    (name: string) =>
    async (...args: string[]): Promise<string> => {
      const response = await fetch(`${origin}/${name}`, {
        method: "POST",
        body: JSON.stringify(args),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(text);
      return text;
    };
  globalThis.mintToken = servedAs("mintToken");
  globalThis.startSession = servedAs("startSession");
}
