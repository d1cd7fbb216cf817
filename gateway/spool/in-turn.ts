/** Tasks under one name, one after the other; whether one fails is told to who asked for it, and no concern of the next. */
export const makeInTurn = () => {
  const last = new Map<string, Promise<void>>();

  return (name: string, task: () => Promise<void>): Promise<void> => {
    const done = (last.get(name) ?? Promise.resolve()).catch(() => undefined).then(task);
    last.set(name, done);
    const settled = (): void => {
      if (last.get(name) === done) last.delete(name);
    };
    done.then(settled, settled);
    return done;
  };
};
