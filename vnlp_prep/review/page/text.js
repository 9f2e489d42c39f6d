// Texts of a corpus as nodes of the page: always as text, never as markup, and with what cannot be seen made visible.

export function element(name, className, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

const NAMES = new Map([
  ["\n", "⏎"], ["\r", "␍"], ["\t", "⇥"], ["\u00a0", "NBSP"], ["\u00ad", "SHY"], ["\u200b", "ZWSP"], ["\u200c", "ZWNJ"],
  ["\u200d", "ZWJ"], ["\u2028", "LS"], ["\u2029", "PS"], ["\ufeff", "BOM"], ["\ufffd", "U+FFFD"],
]);
// Controls, format characters, unusual spaces, halves of surrogate pairs, unassigned and private ones.
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}\ufffd]|(?! )\p{Zs}/gu;

function nameOf(character) {
  return NAMES.get(character) ?? "U+" + character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
}

/** The text as nodes; characters that cannot be seen are marked by their names. */
export function visible(text) {
  const nodes = [];
  let at = 0;
  for (const found of text.matchAll(UNSEEN)) {
    if (found.index > at) nodes.push(text.slice(at, found.index));
    nodes.push(element("span", "unseen", nameOf(found[0])));
    at = found.index + found[0].length;
  }
  if (at < text.length) nodes.push(text.slice(at));
  return nodes;
}

/** As visible(), with line breaks and tabs as such. */
export function visibleLines(text) {
  return text.split(/([\n\t])/).flatMap((part) => (part === "\n" || part === "\t" ? [part] : visible(part)));
}

/** What differs between two words: how many characters they share at their beginnings and at their ends. */
function shared(before, after) {
  const [old, young] = [[...before], [...after]];
  const shorter = Math.min(old.length, young.length);
  let start = 0;
  while (start < shorter && old[start] === young[start]) start += 1;
  let end = 0;
  while (end < shorter - start && old.at(-1 - end) === young.at(-1 - end)) end += 1;
  return [old, young].map((all) => [start, all.length - end].map((n) => all.slice(0, n).join("").length));
}

function side(className, text, [start, end]) {
  const edge = (part) => (part.trim() === "" && part !== "" ? [element("span", "unseen", "␣".repeat(part.length))] : visible(part));
  const made = element(className === "old" ? "del" : "ins", className);
  made.append(...visible(text.slice(0, start)));
  if (end > start) made.append(element("mark", "", ...edge(text.slice(start, end))));
  made.append(...visible(text.slice(end)));
  return made;
}

/** A change, with the letters that differ marked. */
export function change(before, after) {
  const [old, young] = shared(before, after);
  const arrow = element("span", "arrow", "→");
  arrow.setAttribute("aria-label", "becomes");
  const made = after === "" ? element("ins", "new gone", "removed") : side("new", after, young);
  return [side("old", before, old), arrow, made];
}

/** An example in its context. */
export function inContext(example) {
  const here = element("mark", "here", ...visible(example.before));
  return [...visible(example.before_context), here, ...visible(example.after_context)];
}

const LEFT = 26; // characters before a change in a row

/** An example in one line, so short on the left that the change is in sight; the right is cut where the line ends. */
export function inOneLine(example) {
  let left = example.before_context.replace(/\s+/g, " ");
  if (left.length > LEFT) left = "…" + left.slice(-LEFT).replace(/^\S*\s(?=.)/, "");
  const right = example.after_context.replace(/\s+/g, " ");
  return inContext({ before_context: left, before: example.before, after_context: right });
}

export const percent = (share) => (share >= 0.995 && share < 1 ? "99" : Math.round(share * 100).toString()) + " %";
export const counted = (n, noun) => `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;
