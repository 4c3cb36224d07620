/** The feed scenarios of the system that tickwire replaces are complete: each name stands above the test that is it. */
import { readFileSync } from 'node:fs';
import t from 'tap';

const FILES = ['connection', 'reconnection', 'price', 'breaker'];
const SCENARIOS = [
  ...['test_basic_websocket_connection', 'test_multiple_concurrent_connections'],
  ...['test_concurrent_message_reading', 'test_websocket_auth_validation'],
  ...['test_invalid_message_handling', 'test_connection_timeout_handling'],
  ...['test_graceful_disconnect', 'test_forced_disconnect', 'test_connection_state_transitions'],
  ...['test_double_connection_prevention', 'test_connection_failure_handling'],
  ...['test_frame_buffering', 'test_mixed_valid_invalid_messages', 'test_large_message_handling'],
  ...['test_message_ordering_preservation', 'test_exponential_backoff_on_disconnect'],
  ...['test_max_retries_enforcement', 'test_backoff_reset_on_success'],
  ...['test_concurrent_reconnection_attempts', 'test_connection_state_preservation'],
  ...['test_reconnection_failure_modes', 'test_adaptive_backoff_strategy'],
  ...['test_valid_price_message_parsing', 'test_malformed_json_handling'],
  ...['test_missing_required_fields', 'test_price_type_validation'],
  ...['test_decimal_precision_preservation', 'test_circuit_opens_after_threshold'],
  ...['test_circuit_half_open_after_timeout', 'test_circuit_closes_on_success'],
  ...['test_exponential_backoff_during_open', 'test_circuit_metrics_collection'],
];

t.test('each of the 32 scenarios is a test', async (t) => {
  t.equal(SCENARIOS.length, 32);
  const text = FILES.map((name) =>
    readFileSync(
      new URL(`../../../test/ingest/${name}-scenarios.test.ts`, import.meta.url),
      'utf8',
    ),
  ).join('\n');
  const found = [...text.matchAll(/^\/\/ (test_\w+)\n(?:\/\/ .*\n)*t\.test\(/gm)].map(
    ([, name]) => name,
  );
  t.same([...found].sort(), [...SCENARIOS].sort());
});
