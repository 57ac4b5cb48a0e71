import type { ApiError } from '../api/client';
import type { Page } from '../api/types';
import { asApiError } from './app-state';

/** A keyset-paged list that is read further and further; answers that come too late are dropped. */
export class Paged<T> {
  items: T[] = [];
  loading = false;
  ended = false;
  loadedOnce = false;
  error: ApiError | null = null;
  private cursor: string | null = null;
  private turn = 0;

  constructor(
    private readonly fetchPage: (cursor: string | null) => Promise<Page<T>>,
    private readonly key: (item: T) => string,
    private readonly changed: () => void,
  ) {}

  /** Starts again at the newest; what is shown stays until the answer is there. */
  async restart(): Promise<void> {
    this.turn++;
    this.cursor = null;
    this.loading = false;
    this.ended = false;
    await this.more(true);
  }

  /** Fetches the newest page again and lays it over what is shown; starts anew if the two do not meet. */
  async refresh(): Promise<void> {
    if (!this.loadedOnce || this.loading) {
      await this.restart();
      return;
    }
    const turn = this.turn;
    try {
      const { items } = await this.fetchPage(null);
      if (turn !== this.turn) return;
      const shown = new Set(this.items.map(this.key));
      if (!items.some((item) => shown.has(this.key(item)))) {
        await this.restart();
        return;
      }
      const fetched = new Set(items.map(this.key));
      this.items = [...items, ...this.items.filter((item) => !fetched.has(this.key(item)))];
      this.changed();
    } catch {
      return; // what is shown stays; the next time the link comes back asks again
    }
  }

  async more(fresh = false): Promise<void> {
    if (this.loading || this.ended) return;
    const turn = this.turn;
    this.loading = true;
    this.error = null;
    this.changed();
    try {
      const page = await this.fetchPage(this.cursor);
      if (turn !== this.turn) return;
      const known = fresh ? new Set<string>() : new Set(this.items.map(this.key));
      this.items = [...(fresh ? [] : this.items), ...page.items.filter((item) => !known.has(this.key(item)))];
      this.cursor = page.next;
      this.ended = page.next === null;
      this.loadedOnce = true;
    } catch (error) {
      if (turn !== this.turn) return;
      this.error = asApiError(error);
    }
    this.loading = false;
    this.changed();
  }
}
