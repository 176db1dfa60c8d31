/** A status as a word with a coloured dot; the word says it all, the colour helps. */
import { toneOf, type Tone } from "../words";

export function Status({ word, tone }: { word: string; tone?: Tone }) {
  return <span className={`status ${tone ?? toneOf(word)}`}>{word || "–"}</span>;
}
