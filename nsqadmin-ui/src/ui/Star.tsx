import { favourites, toggleFavourite } from "../state/prefs";
import { Icon } from "./Icon";

/** Keeps something at hand; known to this browser only. */
export function Star({ name }: { name: string }) {
  const starred = favourites.value.includes(name);
  return (
    <button
      type="button"
      class={`star${starred ? " on" : ""}`}
      aria-pressed={starred}
      aria-label={`Star ${name}`}
      onClick={() => toggleFavourite(name)}
    >
      <Icon name="star" filled={starred} />
    </button>
  );
}
