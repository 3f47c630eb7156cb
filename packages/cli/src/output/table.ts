/** Columns under headings, as wide as their longest cell. Cells cannot break the lines: control characters are shown as `?`. */
export function formatTable(headings: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const all = [headings, ...rows].map((row) => row.map(printable));
  const widths = headings.map((_, column) => Math.max(...all.map((row) => [...(row[column] ?? "")].length)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell + " ".repeat((widths[column] ?? 0) - [...cell].length))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Names come from other devices: none may move the cursor or colour the terminal. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, "?");
}
