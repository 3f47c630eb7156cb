/** A table as an SVG that reads well on light and dark pages: what a terminal would show. Column 0 and the last are set left, the others right. */
export function tablePicture(title, lines) {
  const advance = 7.8;
  const lineHeight = 20;
  const padding = 18;
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  const starts = widths.map((_, column) => widths.slice(0, column).reduce((sum, width) => sum + width + 2, 0));
  const width = padding * 2 + advance * (starts.at(-1) + widths.at(-1));
  const height = padding * 2 + lineHeight * (lines.length + 1.5);
  const cell = (text, column, y, weight) => {
    const isLeft = column === 0 || column === widths.length - 1;
    const x = padding + advance * (starts[column] + (isLeft ? 0 : widths[column]));
    return text === "" ? "" : `<text x="${x.toFixed(1)}" y="${y}" text-anchor="${isLeft ? "start" : "end"}"${weight}>${escaped(text)}</text>`;
  };
  const body = lines.flatMap((line, row) => {
    const y = padding + lineHeight * (row + 2.3);
    return line.map((text, column) => cell(text, column, y, row === 0 ? ' class="head"' : column === widths.length - 1 ? ' class="note"' : ""));
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${Math.ceil(width)} ${Math.ceil(height)}" font-family="ui-monospace, Menlo, Consolas, monospace" font-size="13">`,
    `<title>${escaped(title)}</title>`,
    "<style>rect{fill:#0f172a}text{fill:#e2e8f0}.head{fill:#7dd3fc}.note{fill:#94a3b8}.title{fill:#f8fafc;font-weight:600}</style>",
    `<rect width="100%" height="100%" rx="10"/>`,
    `<text x="${padding}" y="${padding + 10}" class="title">${escaped(title)}</text>`,
    ...body.filter((text) => text !== ""),
    "</svg>",
    "",
  ].join("\n");
}

function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
