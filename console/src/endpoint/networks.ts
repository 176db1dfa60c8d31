/** Whitelists: networks, one a line; the server reads and orders them. */
import { count } from "../format/numbers";

const EVERYBODY = ["0.0.0.0/0", "::/0"];

export function toLines(networks: string[]): string {
  return networks.join("\n");
}

/** What was typed, by lines, blanks or commas. */
export function fromLines(text: string): string[] {
  return text.split(/[\s,]+/).filter((each) => each !== "");
}

/** "everybody", "nobody", "10.0.0.0/8", "10.0.0.0/8 and 2 more" */
export function inShort(networks: string[]): string {
  const [first, ...others] = networks;
  if (first === undefined) return "nobody";
  if (EVERYBODY.every((each) => networks.includes(each))) return "everybody";
  return others.length === 0 ? first : `${first} and ${count(others.length)} more`;
}
