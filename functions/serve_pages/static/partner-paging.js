// A list of the API that is read page by page, and kept while the reader goes to and fro.

import { call } from "./api.js";

export class Pages {
  constructor(path, limit = 50) {
    Object.assign(this, { path, limit });
    this.reset();
  }

  /** Begins anew, and of something else if another path is given. */
  reset(path = this.path) {
    Object.assign(this, { path, items: [], cursor: undefined, begun: false, done: false, asked: undefined });
  }

  /** The next items: at least one, if there are any. */
  more() {
    if (!this.asked) {
      const asked = this.load().finally(() => {
        if (this.asked === asked) this.asked = undefined;
      });
      this.asked = asked;
    }
    return this.asked;
  }

  /** All that are left. */
  async all() {
    while (!this.done) await this.more();
  }

  async load() {
    const { items } = this;
    this.begun = true;
    while (!this.done) {
      const address = new URL(this.path, location.origin);
      address.searchParams.set("limit", String(this.limit));
      if (this.cursor) address.searchParams.set("cursor", this.cursor);
      const { body } = await call("GET", address.pathname + address.search);
      if (items !== this.items) return; // begun anew meanwhile
      items.push(...body.items);
      this.cursor = body.next_cursor;
      this.done = !body.next_cursor;
      if (body.items.length) return;
    }
  }
}
