// Cached list of the API, read page by page. It stays loaded while the user switches between tabs.

import { call } from "./api.js";

/** @template Item */
export class Pages {
  /** @type {Item[]} */
  items = [];
  /** @type {string | null | undefined} */
  cursor;
  started = false;
  done = false;
  /** @type {Promise<void> | undefined} */
  pending;

  /**
   * @param {string} path
   * @param {number} [limit]
   */
  constructor(path, limit = 50) {
    this.path = path;
    this.limit = limit;
  }

  /**
   * Clear the list. With another path, read that list from now on.
   *
   * @param {string} [path]
   */
  reset(path = this.path) {
    Object.assign(this, { path, items: [], cursor: undefined, started: false, done: false, pending: undefined });
  }

  /** Load pages until at least one item is added or the list ends. Concurrent calls share one request. */
  more() {
    if (!this.pending) {
      const pending = this.load().finally(() => {
        if (this.pending === pending) this.pending = undefined;
      });
      this.pending = pending;
    }
    return this.pending;
  }

  /** Load all remaining pages. */
  async all() {
    while (!this.done) await this.more();
  }

  async load() {
    const { items } = this;
    this.started = true;
    while (!this.done) {
      const url = new URL(this.path, location.origin);
      url.searchParams.set("limit", String(this.limit));
      if (this.cursor) url.searchParams.set("cursor", this.cursor);
      /** @type {Api.Response<Api.List<Item>>} */
      const { body } = await call("GET", url.pathname + url.search);
      if (items !== this.items) return; // reset in the meantime
      items.push(...body.items);
      this.cursor = body.next_cursor;
      this.done = !body.next_cursor;
      if (body.items.length) return;
    }
  }
}
