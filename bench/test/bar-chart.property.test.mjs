import fc from "fast-check";
import { expect, it } from "vitest";
import { barChart } from "../bar-chart.mjs";

const values = fc.array(fc.double({ min: 0.001, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 8 });

function chart(bars, logarithmic) {
  const groups = [{ label: "a < b & c", bars: bars.map((value) => ({ name: "twinfold", title: "Twinfold", value, text: String(value) })) }];
  return barChart({ title: "bars", axis: "bytes", groups, logarithmic, formatTick: String });
}

it("draws a longer bar for a larger value, all within the picture", () => {
  fc.assert(
    fc.property(values, fc.boolean(), (bars, logarithmic) => {
      const svg = chart(bars, logarithmic);
      const widths = [...svg.matchAll(/<rect x="(\d+)" y="[\d.]+" width="([\d.]+)"/g)].map(([, left, width]) => ({
        right: Number(left) + Number(width),
        width: Number(width),
      }));
      expect(widths).toHaveLength(bars.length);
      for (const { right } of widths) expect(right).toBeLessThan(860);
      const order = bars.map((value, index) => ({ value, width: widths[index].width })).sort((a, b) => a.value - b.value);
      for (let at = 1; at < order.length; at++) expect(order[at].width).toBeGreaterThanOrEqual(order[at - 1].width);
      expect(svg).not.toMatch(/NaN|Infinity|undefined/);
      expect(svg).toContain("a &lt; b &amp; c");
    }),
  );
});
