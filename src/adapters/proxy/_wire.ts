// The numbers of the PROXY protocol, version 2.

/** What a header of version 2 begins with. */
export const SIGNATURE: Uint8Array = Uint8Array.from(
  [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a],
);
/** The signature, the version with the command, the family, and the length of what follows. */
export const FIXED_BYTES = 16;
/** The longest line of version 1, with its end. */
export const MAX_LINE = 107;
/** The longest header of version 2 that there can be. */
export const MAX_HEADER: number = FIXED_BYTES + 0xffff;

/** TCP over IPv4, TCP over IPv6, a stream over Unix sockets; and no address. */
export const TCP4 = 0x11;
export const TCP6 = 0x21;
export const UNIX = 0x31;
export const UNSPEC = 0x00;
/** How many bytes the path of a Unix socket takes. */
export const UNIX_PATH_BYTES = 108;

export const TLV_AUTHORITY = 0x02;
export const TLV_CRC32C = 0x03;
export const TLV_UNIQUE_ID = 0x05;
export const TLV_AWS = 0xea;
/** The first byte of an AWS value that is a VPC endpoint. */
export const AWS_VPC_ENDPOINT = 0x01;
export const MAX_UNIQUE_ID = 128;
