import type { NodeId } from "../ids.js";
import { type NodeName, parseName } from "../names.js";
import type { NameRules } from "./name-rules.js";

/** Digits of the node id in an alias: as few as tell it from its neighbours, none when its own name in an allowed form is free. */
export const ALIAS_DIGITS = [0, 8, 16, 32] as const;
export type AliasDigits = (typeof ALIAS_DIGITS)[number];

const DEVICE = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)\s*(\.|$)/i;
/** The form of the second names that Windows gives to long ones: `.twinfold` may be `TWINFO~1` too. */
const SHORT_NAME = /^[^.]{0,6}~\d{1,6}(\.[^.]{0,3})?$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what Windows refuses
const RESERVED = /[<>:"|?*\\\u0001-\u001f]/g;
const MARK = /^(.*) \(alias ([0-9a-f]{8}|[0-9a-f]{16}|[0-9a-f]{32})\)(\.[^.]{1,16})?$/s;

const encoder = new TextEncoder();

/** Why a disk with these rules cannot hold the name, as the end of a sentence; `undefined` when it can. Source: "Naming Files, Paths, and Namespaces", Windows documentation. */
export function whyNotHeld(name: string, { reserved, maxNameBytes }: NameRules): string | undefined {
  if (encoder.encode(name).length > maxNameBytes) return `is longer than ${maxNameBytes} bytes`;
  if (reserved === "none") return undefined;
  const [character] = name.match(RESERVED) ?? [];
  if (character !== undefined) return `contains ${JSON.stringify(character)}`;
  if (/[. ]$/.test(name)) return "ends with a dot or a space";
  if (DEVICE.test(name)) return "is that of a device";
  if (SHORT_NAME.test(name)) return "may be another file's short name";
  return undefined;
}

/**
 * The name under which a disk with these rules shows a node: its own where it can, else its alias.
 *
 * What the disk cannot hold becomes `%` and the two digits of its code; with `digits` of its node id it gets the mark ` (alias 1f3a2b4c)` before its extension.
 * A name that would be too long loses the end of its stem, and has all digits. The same for the same node on every disk with these rules.
 */
export function shownName(name: NodeName, nodeId: NodeId, rules: NameRules, digits: AliasDigits): NodeName {
  const [stem, extension] = splitExtension(name);
  const marked = (start: string, shown: AliasDigits) =>
    allowedForm(start + (shown === 0 ? "" : ` (alias ${nodeId.slice(0, shown)})`) + extension, rules);
  const whole = marked(stem, digits);
  if (encoder.encode(whole).length <= rules.maxNameBytes) return parseName(whole);
  const letters = [...stem];
  while (letters.length > 0 && encoder.encode(marked(letters.join(""), 32)).length > rules.maxNameBytes) letters.pop();
  return parseName(marked(letters.join(""), 32));
}

/** True when a disk with these rules may show the node under `shown`, and that is not its name. */
export function isAliasOf(shown: string, name: NodeName, nodeId: NodeId, rules: NameRules): boolean {
  return shown !== name && ALIAS_DIGITS.some((digits) => shownName(name, nodeId, rules, digits) === shown);
}

/** Which node `shown` would be the alias of, if it is one: by its name, or by its id where the name was cut. To be confirmed by {@link isAliasOf}. */
export function readAlias(shown: string, { reserved }: NameRules): ReadonlyArray<{ readonly name: string } | { readonly nodeId: NodeId }> {
  const plain =
    reserved === "none" ? shown : shown.replace(/%([0-9A-F]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
  const found: Array<{ readonly name: string } | { readonly nodeId: NodeId }> = plain === shown ? [] : [{ name: plain }];
  for (const text of new Set([shown, plain])) {
    const [, stem, digits, extension = ""] = MARK.exec(text) ?? [];
    if (stem !== undefined && digits !== undefined) found.push({ name: stem + extension });
    if (digits?.length === 32) found.push({ nodeId: digits as NodeId });
  }
  return found;
}

function splitExtension(name: string): readonly [stem: string, extension: string] {
  const [extension = ""] = /(?<=.)\.[^.]{1,16}$/s.exec(name) ?? [];
  return [name.slice(0, name.length - extension.length), extension];
}

/** A name that these rules allow, of which the given one can be told. A name that they allow already stays as it is. */
function allowedForm(name: string, rules: NameRules): string {
  if (rules.reserved === "none" || whyNotHeld(name, { ...rules, maxNameBytes: Number.POSITIVE_INFINITY }) === undefined) return name;
  const code = (character: string) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
  let allowed = name
    .replace(/%(?=[0-9A-F]{2})/g, "%25")
    .replace(RESERVED, code)
    .replace(/[. ]$/, code);
  if (DEVICE.test(allowed)) allowed = code(allowed) + allowed.slice(1);
  if (SHORT_NAME.test(allowed)) allowed = allowed.replaceAll("~", "%7E");
  return allowed;
}
