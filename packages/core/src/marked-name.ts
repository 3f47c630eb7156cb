import { MAX_NAME_BYTES, type NodeName, parseName } from "./names.js";

const encoder = new TextEncoder();

/**
 * Puts `mark` between a name's stem and its extension, and a number after it from the second attempt on: `notes (restored) 2.txt`.
 *
 * A name that would be too long loses the end of its stem.
 */
export function markedName(name: NodeName, mark: string, attempt: number): NodeName {
  const dot = name.lastIndexOf(".");
  const [stem, extension] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ""];
  const numbered = attempt > 1 ? `${mark} ${attempt}` : mark;
  const fits = (text: string) => encoder.encode(text + numbered + extension).length <= MAX_NAME_BYTES;
  const letters = [...stem];
  while (letters.length > 1 && !fits(letters.join(""))) letters.pop();
  return parseName(letters.join("") + numbered + (fits(letters.join("")) ? extension : ""));
}
