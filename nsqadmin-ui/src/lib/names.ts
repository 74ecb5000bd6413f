/** The rule for names of topics and channels, and the ways in which a name can break it. */

export const NAME_MAX = 64;

const SUFFIX = "#ephemeral";

export function isEphemeral(name: string): boolean {
  return name.endsWith(SUFFIX);
}

export function isValidName(name: string): boolean {
  return name.length <= NAME_MAX && /^[.a-zA-Z0-9_-]+(#ephemeral)?$/.test(name);
}

/** One sentence on what is wrong with a name while it is typed; `null` if nothing is. */
export function nameFault(name: string): string | null {
  if (name === "" || isValidName(name)) return null;
  if (name.length > NAME_MAX) return `${name.length} characters; at most ${NAME_MAX} are allowed.`;
  const stem = name.endsWith(SUFFIX) ? name.slice(0, -SUFFIX.length) : name;
  if (stem === "") return `A name stands before ${SUFFIX}.`;
  const wrong = [...new Set([...stem].filter((c) => !/[.a-zA-Z0-9_-]/.test(c)))];
  if (wrong.includes("#")) return `Only ${SUFFIX} may follow a #.`;
  const shown = wrong.map((c) => (c === " " ? "space" : c)).join("  ");
  return `Not allowed: ${shown}. Use a-z A-Z 0-9 . _ -`;
}

/** Distance of two names, for "did you mean": letters to insert, remove or replace. */
export function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** Up to `limit` names nearest to `name`. */
export function nearest(name: string, names: readonly string[], limit = 3): string[] {
  const reach = Math.max(2, Math.floor(name.length / 3));
  return names
    .map((n) => ({ n, d: n.includes(name) || name.includes(n) ? 1 : distance(name, n) }))
    .filter(({ d }) => d <= reach)
    .sort((a, b) => a.d - b.d || (a.n < b.n ? -1 : 1))
    .slice(0, limit)
    .map(({ n }) => n);
}
