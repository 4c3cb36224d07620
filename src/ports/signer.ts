/** signer: proves that a request is ours. One of the five doors through which two runs may differ. */
export interface Signer {
  /** What the key can sign: es256 = ECDSA P-256 over SHA-256, r‖s (64 bytes); ed25519 = 64 bytes. */
  readonly algorithm: 'es256' | 'ed25519';
  /** The venue's name of the key. Not a secret. */
  readonly keyName: string;
  /** Signs the bytes; synchronous for software keys. */
  sign(bytes: Uint8Array): Uint8Array;
}
