// Where a command writes to. Colours only where people read: a terminal, and not against their wish (no-color.org).

const COLOURS = { red: 31, green: 32, yellow: 33, bold: 1, dim: 2 } as const;
export type Colour = keyof typeof COLOURS;

export interface Terminal {
  /** Do people read it? */
  readonly isTerminal: boolean;
  line(text: string): void;
  paint(colour: Colour, text: string): string;
}

interface Stream {
  write(text: string): unknown;
  isTTY?: boolean;
}

export function terminal(stream: Stream, env: Readonly<Record<string, string | undefined>>): Terminal {
  const forced = env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== "" && env.FORCE_COLOR !== "0";
  const colours = env.NO_COLOR ? false : forced || (stream.isTTY === true && env.TERM !== "dumb");
  return {
    isTerminal: stream.isTTY === true,
    line: (text) => void stream.write(`${text}\n`),
    paint: (colour, text) => (colours ? `\u001b[${COLOURS[colour]}m${text}\u001b[0m` : text),
  };
}
