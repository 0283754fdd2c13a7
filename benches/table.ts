import { type ClientName, clientNames } from "./clients";
import type { Row } from "./measure/row";

/** The rows as text, aligned: medians, with the least and the most, and ours held against the others. */
export function tableOf(rows: Row[]): string {
  const head = ["", "unit", ...clientNames, "ours ÷ floor", "ours ÷ published"];
  const lines = [head, ...rows.map(cellsOf)];
  const widths = head.map((_, column) =>
    Math.max(...lines.map((line) => (line[column] ?? "").length)),
  );
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell[column < 2 ? "padEnd" : "padStart"](widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function cellsOf({ what, unit, values, ranges }: Row): string[] {
  const held = (against: ClientName) => {
    const { ours, [against]: other } = values;
    return ours === undefined || other === undefined ? "" : (ours / other).toFixed(2);
  };
  const own = clientNames.map((name) => {
    const { [name]: value } = values;
    if (value === undefined) return "";
    const range = ranges?.[name];
    return range ? `${shown(value)} (${range.map(shown).join("–")})` : shown(value);
  });
  return [what, unit, ...own, held("floor"), held("published")];
}

function shown(value: number): string {
  return value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
}
