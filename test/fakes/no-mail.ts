/** For who administers, and has nothing to do with mail. */
export const noMail = {
  blobs: { delete: async () => undefined },
  mailQueue: { send: async () => undefined },
};
