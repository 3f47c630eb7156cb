const WIDTH = 860;
const LABEL_WIDTH = 330;
const VALUE_WIDTH = 130;
const BAR_HEIGHT = 15;
const GROUP_GAP = 16;
const PADDING = 20;
const HEAD_HEIGHT = 62;
const FONT_SIZE = 12;

/** One colour for each competitor, told apart by people with any colour sight. Source: Okabe and Ito, "Color Universal Design", 2008. */
const COLOURS = {
  twinfold: "#56b4e9",
  syncthing: "#e69f00",
  rsync: "#009e73",
  "rsync-z": "#40c99b",
  "rsync-inplace": "#7fe0c0",
  unison: "#cc79a7",
  restic: "#f0e442",
  borg: "#d55e00",
};

/**
 * Horizontal bars as an SVG with a ground of its own, so that it reads well on light and dark pages.
 *
 * `groups` are `{ label, bars: [{ name, title, value, text }] }`. With `logarithmic` each gridline is ten times the one before; a bar then starts at the axis' lowest
 * power of ten, not at zero.
 */
export function barChart({ title, axis, groups, logarithmic = false, formatTick }) {
  const values = groups.flatMap(({ bars }) => bars.map(({ value }) => value)).filter((value) => value > 0);
  const ticks = logarithmic ? powersOfTen(values) : roundSteps(Math.max(...values));
  const [low, high] = [ticks[0], ticks.at(-1)];
  const left = PADDING + LABEL_WIDTH;
  const span = WIDTH - left - VALUE_WIDTH - PADDING;
  const lengthOf = (value) => {
    const part = logarithmic ? Math.log10(Math.max(value, low) / low) / Math.log10(high / low) : value / high;
    return Math.max(1, part * span);
  };
  const parts = [];
  let y = HEAD_HEIGHT;
  for (const { label, bars } of groups) {
    const groupHeight = bars.length * BAR_HEIGHT;
    parts.push(`<text class="label" x="${PADDING}" y="${y + groupHeight / 2 + 4}">${escaped(label)}</text>`);
    for (const { name, title: who, value, text } of bars) {
      const width = lengthOf(value);
      parts.push(
        `<rect x="${left}" y="${y + 1}" width="${width.toFixed(1)}" height="${BAR_HEIGHT - 3}" rx="2" fill="${COLOURS[name]}"/>`,
        `<text class="value" x="${(left + width + 5).toFixed(1)}" y="${y + 11}">${escaped(`${text} ${who}`)}</text>`,
      );
      y += BAR_HEIGHT;
    }
    y += GROUP_GAP;
  }
  const grid = ticks.map((tick) => {
    const x = (left + (tick === low && logarithmic ? 0 : tick === 0 ? 0 : lengthOf(tick))).toFixed(1);
    return `<line x1="${x}" x2="${x}" y1="${HEAD_HEIGHT - 6}" y2="${y - GROUP_GAP + 4}"/><text class="tick" x="${x}" y="${y + 8}">${escaped(formatTick(tick))}</text>`;
  });
  const height = y + 20 + PADDING;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" font-family="system-ui, sans-serif" font-size="${FONT_SIZE}">`,
    `<title>${escaped(title)}</title>`,
    "<style>.ground{fill:#0f172a}text{fill:#e2e8f0}.title{font-size:15px;font-weight:600;fill:#f8fafc}.axis,.tick{fill:#94a3b8}.tick{text-anchor:middle}.value{font-size:11px;fill:#cbd5e1}line{stroke:#334155}</style>",
    `<rect class="ground" width="100%" height="100%" rx="10"/>`,
    `<text class="title" x="${PADDING}" y="28">${escaped(title)}</text>`,
    `<text class="axis" x="${PADDING}" y="46">${escaped(axis)}</text>`,
    ...grid,
    ...parts,
    "</svg>",
    "",
  ].join("\n");
}

function powersOfTen(values) {
  const first = Math.floor(Math.log10(Math.min(...values)));
  const last = Math.max(first + 1, Math.ceil(Math.log10(Math.max(...values))));
  return Array.from({ length: last - first + 1 }, (_, index) => 10 ** (first + index));
}

/** Four to ten steps of 1, 2 or 5 times a power of ten, from zero to at least `most`. */
function roundSteps(most) {
  const power = 10 ** Math.floor(Math.log10(most));
  const step = [0.2, 0.5, 1, 2].map((part) => part * power).find((each) => most / each <= 6);
  return Array.from({ length: Math.ceil(most / step) + 1 }, (_, index) => index * step);
}

function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
