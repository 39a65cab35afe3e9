/** What `:name` in a pattern stands for in a path; undefined where the path is another. */
export function match(pattern: string, of: string): Readonly<Record<string, string>> | undefined {
  const want = pattern.split("/");
  const have = of.replace(/(.)\/$/, "$1").split("/");
  if (want.length !== have.length) return undefined;
  const found: Record<string, string> = {};
  for (const [index, part] of want.entries()) {
    const given = have[index] ?? "";
    if (part.startsWith(":")) found[part.slice(1)] = decode(given);
    else if (part !== given) return undefined;
  }
  return found;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
