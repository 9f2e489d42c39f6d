// "Try it": a text with everything that cleaning does to it.

import * as api from "./api.js";
import { element, percent, visible, visibleLines } from "./text.js";

const $ = (id) => document.getElementById(id);
const WAIT = 250; // milliseconds after the last key

export class TryIt {
  constructor() {
    this.dialog = $("try");
    this.text = $("try-text");
    this.asked = 0;
    this.text.addEventListener("input", () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.run(), WAIT);
    });
    $("try-copy").addEventListener("click", async () => {
      await navigator.clipboard.writeText(this.result ?? "");
      $("try-copy").textContent = "Copied";
      setTimeout(() => ($("try-copy").textContent = "Copy"), 1500);
    });
    const shown = $("try-shown");
    for (const name of ["pointerover", "focusin"]) shown.addEventListener(name, (event) => this.tip(event.target.closest(".edit")));
    for (const name of ["pointerleave", "focusout"]) shown.addEventListener(name, () => this.tip(null));
    shown.addEventListener("scroll", () => this.tip(null), { passive: true });
  }

  open(text) {
    if (text !== undefined) this.text.value = text;
    if (!this.dialog.open) this.dialog.showModal();
    this.text.focus();
    this.run();
  }

  async run() {
    const number = (this.asked += 1);
    try {
      const answer = await api.tryText(this.text.value);
      if (number === this.asked) this.show(answer);
    } catch (error) {
      if (number === this.asked) $("try-shown").replaceChildren(element("p", "error", error.message));
    }
  }

  show({ parts, edits, text }) {
    this.result = text;
    this.tip(null);
    $("try-shown").replaceChildren(...parts.flatMap((part) => (typeof part === "string" ? visibleLines(part) : [this.mark(edits[part])])));
    $("try-result").replaceChildren(...visibleLines(text));
    const counts = new Map();
    for (const edit of edits) counts.set(edit.stage, (counts.get(edit.stage) ?? 0) + 1);
    const chips = [...counts].map(([stage, n]) => {
      const chip = element("button", `chip stage-${stage}`, `${stage} ${n}`);
      chip.type = "button";
      for (const name of ["pointerenter", "focus"]) chip.addEventListener(name, () => ($("try-shown").dataset.only = stage));
      for (const name of ["pointerleave", "blur"]) chip.addEventListener(name, () => delete $("try-shown").dataset.only);
      return chip;
    });
    if (!chips.length && this.text.value) chips.push(element("span", "chip", "nothing to change"));
    $("try-legend").replaceChildren(...chips);
  }

  mark(edit) {
    const made = element("span", `edit stage-${edit.stage}${edit.suggestion ? " suggestion" : ""}`);
    made.tabIndex = 0;
    made.edit = edit;
    if (edit.suggestion) made.append(...visibleLines(edit.before));
    else {
      if (edit.before) made.append(element("del", "", ...visible(edit.before)));
      if (edit.after) made.append(element("ins", "", ...visible(edit.after)));
    }
    made.setAttribute("aria-description", `${edit.stage}, ${edit.rule}, ${percent(edit.confidence)} sure`);
    return made;
  }

  tip(mark) {
    const tip = $("tip");
    tip.hidden = !mark;
    if (!mark) return;
    const { edit } = mark;
    const after = edit.after === "" ? element("i", "", "removed") : element("b", "", ...visible(edit.after));
    tip.replaceChildren(
      element("div", "tip-change", element("s", "", ...visible(edit.before)), " → ", after),
      element("div", "tip-facts", element("span", `chip stage-${edit.stage}`, edit.stage), element("span", "", edit.rule)),
      element("div", "tip-facts", edit.suggestion ? `only suggested: ${percent(edit.confidence)} sure` : `${percent(edit.confidence)} sure`),
    );
    const box = mark.getClientRects()[0];
    const width = tip.offsetWidth;
    tip.style.left = `${Math.max(8, Math.min(box.left, innerWidth - width - 8))}px`;
    const below = box.bottom + 8 + tip.offsetHeight < innerHeight;
    tip.style.top = `${below ? box.bottom + 8 : box.top - tip.offsetHeight - 8}px`;
  }
}
