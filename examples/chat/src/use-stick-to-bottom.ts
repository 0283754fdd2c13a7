import { type RefObject, useCallback, useEffect, useRef, useState } from "react";

const NEAR_END_PX = 48;

/**
 * Keeps a scroller at its end while its content grows, until the user scrolls up or opens a fold,
 * and again once they come back to the end or send a message.
 */
export function useStickToBottom(
  scroller: RefObject<HTMLElement | null>,
  lastSentId: string | undefined,
) {
  const [following, setFollowing] = useState(true);
  // The same, but at once: the next growth may come before React renders.
  const isFollowing = useRef(true);

  useEffect(() => {
    const element = scroller.current;
    const content = element?.firstElementChild;
    if (!element || !content) return;

    let lastTop = element.scrollTop;
    const onScroll = () => {
      const top = element.scrollTop;
      const toEnd = distanceToEnd(element);
      // Any move upwards lets go. Content that has grown since our own scroll also leaves the end
      // out of reach, and says nothing about what the user wants.
      if (toEnd < 1 || (top > lastTop && toEnd < NEAR_END_PX)) isFollowing.current = true;
      else if (top < lastTop) isFollowing.current = false;
      lastTop = top;
      setFollowing(isFollowing.current);
    };
    element.addEventListener("scroll", onScroll, { passive: true });

    // Who opens a fold wants to read it from its beginning, and it is about to grow.
    const onClick = ({ target }: Event) => {
      if (target instanceof Element && target.closest("summary")) isFollowing.current = false;
    };
    element.addEventListener("click", onClick);

    const observer = new ResizeObserver(() => {
      if (isFollowing.current) scrollToEnd(element);
      else if (distanceToEnd(element) < 1) isFollowing.current = true;
      setFollowing(isFollowing.current);
    });
    observer.observe(content);
    observer.observe(element);

    return () => {
      element.removeEventListener("scroll", onScroll);
      element.removeEventListener("click", onClick);
      observer.disconnect();
    };
  }, [scroller]);

  const follow = useCallback(() => {
    isFollowing.current = true;
    setFollowing(true);
    if (scroller.current) scrollToEnd(scroller.current);
  }, [scroller]);

  useEffect(() => {
    if (lastSentId) follow();
  }, [lastSentId, follow]);

  return { following, follow };
}

function distanceToEnd(element: HTMLElement): number {
  return element.scrollHeight - element.clientHeight - element.scrollTop;
}

function scrollToEnd(element: HTMLElement) {
  element.scrollTo({ top: element.scrollHeight });
}
