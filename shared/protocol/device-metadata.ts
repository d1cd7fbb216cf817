import type { DeviceMetadata } from '../domain/entities.ts';

/** Names of a device's metadata, here and on the wire (RFC 7591 section 2, and fields of our own). */
export const METADATA_FIELDS = {
  clientName: 'client_name',
  softwareId: 'software_id',
  softwareVersion: 'software_version',
  vendor: 'vendor',
  model: 'model',
  serialNumber: 'serial_number',
  location: 'location',
  locale: 'locale',
} as const satisfies Record<keyof DeviceMetadata, string>;

/** Device metadata in wire spelling. */
export const wireMetadata = (device: DeviceMetadata): Record<string, string> => {
  const entries = Object.entries(METADATA_FIELDS).map(([name, wireName]) => [
    wireName,
    device[name as keyof DeviceMetadata],
  ]);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
};
