/** Parts of the pages that are loaded when they are first shown. */

import type { ComponentType, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Skeleton } from "./Empty";

const RETRY_MS = 5000;

/** What a script exports, as soon as nsqadmin can be reached; `null` if nobody waits for it any more. */
export async function loaded<T>(load: () => Promise<T>, isGone: () => boolean): Promise<T | null> {
  while (!isGone()) {
    try {
      return await load();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
  return null;
}

/** A component whose script is not part of the first visit. */
export function later<P extends object>(load: () => Promise<ComponentType<P>>): (props: P) => JSX.Element {
  let known: ComponentType<P> | null = null;
  return (props) => {
    const [Part, setPart] = useState<{ component: ComponentType<P> | null }>({ component: known });
    useEffect(() => {
      let gone = false;
      if (known === null)
        void loaded(load, () => gone).then((component) => {
          known ??= component;
          if (!gone) setPart({ component });
        });
      return () => {
        gone = true;
      };
    }, []);
    return Part.component ? <Part.component {...props} /> : <Skeleton />;
  };
}
