// A list of any length of which only the rows in sight are in the page.

export const ROW_HEIGHT = 52;
const BEYOND = 6; // rows above and below those in sight

export class VirtualList {
  /** `fill(row, item, position)` writes an item into a row that it is given, which may have shown another one before. */
  constructor(frame, rows, { make, fill, onSelect }) {
    Object.assign(this, { frame, rows, make, fill, onSelect });
    this.items = [];
    this.selected = -1;
    this.pool = [];
    this.first = 0;
    frame.addEventListener("scroll", () => this.later(), { passive: true });
    new ResizeObserver(() => this.later()).observe(frame);
    rows.addEventListener("click", (event) => {
      const row = event.target.closest("[role=row]");
      if (row) this.select(Number(row.dataset.position), { focus: true });
    });
  }

  show(items, selected = items.length ? 0 : -1) {
    this.items = items;
    this.selected = -2;
    this.frame.setAttribute("aria-rowcount", items.length);
    this.rows.style.height = `${items.length * ROW_HEIGHT}px`;
    this.draw();
    this.select(selected);
  }

  /** Select the item at a position and bring it into sight. */
  select(position, { focus = false } = {}) {
    const wanted = this.items.length ? Math.max(0, Math.min(position, this.items.length - 1)) : -1;
    if (wanted !== this.selected) {
      this.selected = wanted;
      this.reveal();
      this.draw();
      this.onSelect(wanted < 0 ? null : this.items[wanted]);
    }
    if (focus) this.frame.focus({ preventScroll: true });
  }

  get perPage() {
    return Math.max(1, Math.floor(this.frame.clientHeight / ROW_HEIGHT) - 1);
  }

  reveal() {
    const top = this.selected * ROW_HEIGHT;
    const bottom = top + ROW_HEIGHT;
    if (this.selected < 0) this.frame.scrollTop = 0;
    else if (top < this.frame.scrollTop) this.frame.scrollTop = top;
    else if (bottom > this.frame.scrollTop + this.frame.clientHeight) this.frame.scrollTop = bottom - this.frame.clientHeight;
  }

  later() {
    this.waiting ??= requestAnimationFrame(() => {
      this.waiting = undefined;
      this.draw();
    });
  }

  draw() {
    const inSight = Math.ceil(this.frame.clientHeight / ROW_HEIGHT) + 1;
    const first = Math.max(0, Math.floor(this.frame.scrollTop / ROW_HEIGHT) - BEYOND);
    const last = Math.min(this.items.length, first + inSight + 2 * BEYOND);
    while (this.pool.length < last - first) {
      const row = this.make();
      this.pool.push(row);
      this.rows.append(row);
    }
    // A row keeps its item while that is in sight, so that scrolling writes only what comes into it.
    const free = new Set(this.pool);
    const wanted = new Map();
    for (let position = first; position < last; position += 1) wanted.set(position, this.items[position]);
    const kept = new Map();
    for (const row of this.pool) {
      const position = Number(row.dataset.position);
      if (row.item !== undefined && wanted.get(position) === row.item && !kept.has(position)) {
        kept.set(position, row);
        free.delete(row);
      }
    }
    const spare = free.values();
    for (const [position, item] of wanted) {
      const row = kept.get(position) ?? spare.next().value;
      const isSelected = position === this.selected;
      if (!kept.has(position)) {
        row.item = item;
        row.dataset.position = position;
        row.id = `row-${position}`;
        row.hidden = false;
        row.setAttribute("aria-rowindex", position + 1);
        row.style.transform = `translateY(${position * ROW_HEIGHT}px)`;
        this.fill(row, item);
        free.delete(row);
      }
      row.setAttribute("aria-selected", isSelected);
    }
    for (const row of free) {
      row.hidden = true;
      row.item = undefined;
      row.removeAttribute("id");
    }
    if (this.selected >= first && this.selected < last) this.frame.setAttribute("aria-activedescendant", `row-${this.selected}`);
    else this.frame.removeAttribute("aria-activedescendant");
  }

  /** Write those rows in sight again whose items are in `changed`. */
  refresh(changed) {
    for (const row of this.pool) if (row.item !== undefined && changed.has(row.item)) this.fill(row, row.item);
  }
}
