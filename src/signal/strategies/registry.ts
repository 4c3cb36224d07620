/** registry: the strategies that ship, by name. Adding one: its file, and a line here. */
import type { StrategyFactory } from '../strategy.js';
import { emaCross } from './ema-cross.js';

export const STRATEGIES: readonly StrategyFactory[] = [emaCross];

export function strategyNamed(name: string): StrategyFactory | undefined {
  return STRATEGIES.find((factory) => factory.name === name);
}
