/** How well a name answers what was typed: higher is better, 0 not at all. */
export function rank(name: string, typed: string): number {
  const text = name.toLowerCase();
  const wanted = typed.toLowerCase();
  if (wanted === "") return 1;
  if (text === wanted) return 100;
  if (text.startsWith(wanted)) return 80;
  const at = text.indexOf(wanted);
  if (at > 0) return /[^a-z0-9]/.test(text[at - 1] ?? "") ? 60 : 40;
  let from = 0;
  for (const letter of wanted) {
    from = text.indexOf(letter, from) + 1;
    if (from === 0) return 0;
  }
  return 20 - Math.min(10, from - wanted.length);
}
