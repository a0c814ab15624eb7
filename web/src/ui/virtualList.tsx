/**
 * A list of thousands of which only what is near the screen exists. Items come in blocks; a block out of sight is an
 * empty space as high as it was, so that scrolling stays true. Without an observer (very old browsers) all is drawn.
 */

import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

const BLOCK = 30;
/** Height of an item that was never drawn, in CSS pixels: near enough, since blocks are measured once they are. */
const GUESS = 84;
const MARGIN = "1200px 0px";

export interface VirtualListProps<T> {
  items: readonly T[];
  keyOf: (item: T) => string;
  label: string;
  children: (item: T) => ComponentChildren;
}

export function VirtualList<T>({ items, keyOf, label, children }: VirtualListProps<T>) {
  const blocks: (readonly T[])[] = [];
  for (let start = 0; start < items.length; start += BLOCK) blocks.push(items.slice(start, start + BLOCK));
  return (
    // biome-ignore lint/a11y/useSemanticElements: blocks stand between the list and its items, which ul doesn't allow
    <div class="virtual" role="list" aria-label={label}>
      {blocks.map((block, index) => (
        <Block key={block[0] ? keyOf(block[0]) : index} isFirst={index === 0} count={block.length}>
          {() =>
            block.map((item, offset) => (
              // biome-ignore lint/a11y/useSemanticElements: as above
              <div
                key={keyOf(item)}
                role="listitem"
                aria-setsize={items.length}
                aria-posinset={index * BLOCK + offset + 1}
              >
                {children(item)}
              </div>
            ))
          }
        </Block>
      ))}
    </div>
  );
}

interface BlockProps {
  isFirst: boolean;
  count: number;
  children: () => ComponentChildren;
}

function Block({ isFirst, count, children }: BlockProps) {
  const element = useRef<HTMLDivElement>(null);
  const height = useRef(count * GUESS);
  const hasObserver = typeof IntersectionObserver !== "undefined";
  const [isNear, setNear] = useState(isFirst || !hasObserver);

  useLayoutEffect(() => {
    const block = element.current;
    if (!block || !hasObserver) return;
    const observer = new IntersectionObserver(
      (entries) => {
        const entry = entries.at(-1);
        if (!entry) return;
        // What holds the focus stays: a reader with a keyboard must not lose their place.
        const keep = block.contains(document.activeElement);
        if (!entry.isIntersecting && !keep) height.current = block.offsetHeight || height.current;
        setNear(entry.isIntersecting || keep);
      },
      { rootMargin: MARGIN },
    );
    observer.observe(block);
    return () => observer.disconnect();
  }, []);

  useLayoutEffect(() => {
    // Through the object model, which a strict policy allows, and not through a style attribute, which it doesn't.
    const block = element.current;
    if (block) block.style.height = isNear ? "" : `${height.current}px`;
  }, [isNear]);

  return (
    <div ref={element} class="block" role="presentation">
      {isNear && children()}
    </div>
  );
}
