/** The lines that the process itself wrote meanwhile, to either stream. Nothing of them is shown. */
export const linesWritten = (act: () => void): readonly string[] => {
  const chunks: string[] = [];
  const streams = [process.stdout, process.stderr].map((stream) => ({ stream, write: stream.write }));
  for (const { stream } of streams) stream.write = (chunk: unknown) => chunks.push(String(chunk)) > 0;
  try {
    act();
  } finally {
    for (const { stream, write } of streams) stream.write = write;
  }
  return chunks.join('').split('\n').filter(Boolean);
};
