/** random: the only source of chance. One of the five doors through which two runs may differ. */
export interface Random {
  /** An unsigned 32-bit integer. */
  nextUint32(): number;
}
