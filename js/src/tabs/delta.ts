/**
 * What makes one value of another, of the kind that JSON can hold, as short as a growing answer allows:
 * `[0, value]` in its place; `[1, text]` behind a text; `[2, members, gone]` in an object; `[3, length,
 * items]` in a list. `[4, text]` is a text behind the one that the change before it was all about.
 */
export type Delta =
  | [0, unknown]
  | [1, string]
  | [2, Record<string, Delta>, string[]?]
  | [3, number, Record<string, Delta>]
  | [4, string];

/** What has changed; `undefined` where nothing has. What is the same object is taken to be unchanged. */
export function deltaOf(before: unknown, after: unknown): Delta | undefined {
  if (Object.is(before, after)) return undefined;
  if (typeof before === "string" && typeof after === "string" && after.startsWith(before)) {
    return [1, after.slice(before.length)];
  }
  if (Array.isArray(before) && Array.isArray(after)) {
    const items = changes(before, after);
    const isSame = before.length === after.length && Object.keys(items).length === 0;
    return isSame ? undefined : [3, after.length, items];
  }
  if (isPlain(before) && isPlain(after)) {
    const members = changes(before, after);
    const gone = Object.keys(before).filter((key) => !Object.hasOwn(after, key));
    if (gone.length > 0) return [2, members, gone];
    return Object.keys(members).length > 0 ? [2, members] : undefined;
  }
  return [0, after];
}

/** The value after the change. What has not changed is the same object as before. */
export function applied(before: unknown, delta: Delta): unknown {
  const [kind, change] = delta;
  if (kind === 0) return change;
  if (kind === 1 && typeof before === "string") return before + change;
  if (kind === 2 && isPlain(before)) {
    const [, , gone = []] = delta;
    const kept = Object.entries(before).filter(([key]) => !gone.includes(key));
    return Object.fromEntries([...kept, ...appliedTo(before, change)]);
  }
  if (kind === 3 && Array.isArray(before)) {
    const after = before.slice(0, change);
    for (const [index, item] of appliedTo(before, delta[2])) after[Number(index)] = item;
    return after;
  }
  throw new TypeError("The change is none of this value.");
}

/** The part in it that makes a text grow, where nothing else has changed. */
export function growthIn(delta: Delta): [1, string] | undefined {
  if (delta[0] === 1) return delta;
  const members = delta[0] === 2 && !delta[2] ? delta[1] : delta[0] === 3 ? delta[2] : {};
  const [inner, ...others] = Object.values(members);
  return inner && others.length === 0 ? growthIn(inner) : undefined;
}

/** The same value, in which nobody else can write. */
export function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyOf);
  if (!isPlain(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, copyOf(member)]));
}

/** The members, or items, that have changed. */
function changes(before: object, after: object): Record<string, Delta> {
  const known = new Map(Object.entries(before));
  return Object.fromEntries(
    Object.entries(after).flatMap(([key, value]) => {
      const delta = known.has(key) ? deltaOf(known.get(key), value) : ([0, value] as Delta);
      return delta ? [[key, delta]] : [];
    }),
  );
}

function appliedTo(before: object, changes: Record<string, Delta>): [string, unknown][] {
  const known = new Map(Object.entries(before));
  return Object.entries(changes).map(([key, delta]) => [key, applied(known.get(key), delta)]);
}

/** An object that is no more than its members: a date, say, is more. */
function isPlain(value: unknown): value is Record<string, unknown> {
  return Object.prototype.toString.call(value) === "[object Object]";
}
