import { addon } from './addon.js';
import type { NativeLink } from './addon.js';

/**
 * A program attached somewhere. The attachment lasts until {@link BpfLink.detach}, until the object is closed, or
 * until the process ends, however it ends. Keep the link: one that nothing refers to is detached when it is collected.
 */
export class BpfLink implements Disposable {
  readonly #native: NativeLink;

  /** @internal */
  constructor(native: NativeLink) {
    this.#native = native;
  }

  /** Detaches many at the same time: the kernel takes a while for each link of a uprobe. */
  static detachAll(links: readonly BpfLink[]): void {
    addon().detachAll(links.map((link) => link.#native));
  }

  /** Whether the program is attached. */
  get attached(): boolean {
    return this.#native.attached;
  }

  /** Detaches the program; does nothing the second time. */
  detach(): void {
    this.#native.detach();
  }

  /** The same as {@link BpfLink.detach}. */
  [Symbol.dispose](): void {
    this.detach();
  }
}
