/** Read-only servers with their weights, as the command line has them: HOST:PORT or HOST:PORT=WEIGHT. */

export function toLines(servers: Record<string, number>): string {
  return Object.entries(servers)
    .map(([address, weight]) => (weight === 1 ? address : `${address}=${weight}`))
    .join("\n");
}

/** Address → weight. */
export function fromLines(text: string): Record<string, number> {
  const lines = text.split(/[\s,]+/).filter((each) => each !== "");
  return Object.fromEntries(lines.map(oneOf));
}

/** The weight is what stands behind the last =. The server judges both. */
function oneOf(line: string): [string, number] {
  const [, address, weight] = /^(.*?)(?:=(\d+))?$/.exec(line) ?? [];
  return [address ?? line, weight === undefined ? 1 : Number(weight)];
}
