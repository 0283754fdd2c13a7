// What came of the scenarios, as rows of a table.
import type { ClientName } from "./page/contract";

export class Report {
  #rows = new Map<string, Partial<Record<ClientName, string>>>();

  /** Notes each fact of what came of a scenario. */
  add(scenario: string, client: ClientName, result: object): void {
    for (const [fact, value] of Object.entries(result)) {
      const name = `${scenario}: ${fact}`;
      const told = Array.isArray(value) ? value.join("; ") || "none" : String(value);
      this.#rows.set(name, { ...this.#rows.get(name), [client]: told });
    }
  }

  /** In Markdown. */
  table(): string {
    const rows = [...this.#rows].map(
      ([name, { ours = "", published = "" }]) => `| ${name} | ${ours} | ${published} |`,
    );
    return ["| | this package | `@trigger.dev/sdk` |", "| --- | --- | --- |", ...rows].join("\n");
  }
}
