/** The ports of AWS, the broker and providers' APIs; of their servers for sending, and for reading (docs/diagnosis.md). */
export const WAYS_OUT = [443, 587, 465, 993, 995] as const;
