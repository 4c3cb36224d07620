/*
 * DisruptorBench: LMAX Disruptor beside ../ring.bench.ts, with the same work: messages of 64 bytes, eight words written,
 * read and summed, 4096 slots, one producer, one consumer, busy spinning. Prints one JSON line.
 *
 *   tp BATCH MESSAGES    throughput    pp 1 TRIPS    round trip
 *
 * Two warm-up rounds for the compiler, then the measured one. Producer on the first core, consumer on the second (NOPIN set:
 * wherever). Written for this project; the Disruptor itself (Apache-2.0) is Debian's libdisruptor-java.
 */
import com.lmax.disruptor.BatchEventProcessor;
import com.lmax.disruptor.BusySpinWaitStrategy;
import com.lmax.disruptor.EventHandler;
import com.lmax.disruptor.RingBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;

public class DisruptorBench {
  static final class Message {
    long a, b, c, d, e, f, g, h;
  }

  static final int SLOTS = 4096;
  static final int CHUNK = 32_768;

  public static void main(String[] args) throws Exception {
    int batch = Integer.parseInt(args[1]);
    int count = Integer.parseInt(args[2]);
    if (args[0].equals("tp")) throughput(batch, count);
    else roundTrip(count);
    System.exit(0);
  }

  static RingBuffer<Message> ring() {
    return RingBuffer.createSingleProducer(Message::new, SLOTS, new BusySpinWaitStrategy());
  }

  static void fill(Message m, long value) {
    m.a = value;
    m.b = value;
    m.c = value;
    m.d = value;
    m.e = value;
    m.f = value;
    m.g = value;
    m.h = value;
  }

  static void publish(RingBuffer<Message> ring, long value) {
    long seq = ring.next();
    fill(ring.get(seq), value);
    ring.publish(seq);
  }

  static void throughput(int batch, int messages) throws Exception {
    pin(0);
    double whole = 0, chunk = 0;
    boolean ok = true;
    for (int round = 0; round < 3; round++) {
      int count = (round < 2 ? 5_000_000 : messages) / CHUNK * CHUNK;
      RingBuffer<Message> ring = ring();
      CountDownLatch done = new CountDownLatch(1);
      long[] sum = new long[1];
      EventHandler<Message> handler = new EventHandler<>() {
        long total = 0;

        public void onEvent(Message m, long seq, boolean isEndOfBatch) {
          total += m.a + m.b + m.c + m.d + m.e + m.f + m.g + m.h;
          if (seq == count - 1) {
            sum[0] = total;
            done.countDown();
          }
        }
      };
      BatchEventProcessor<Message> processor = new BatchEventProcessor<>(ring, ring.newBarrier(), handler);
      ring.addGatingSequences(processor.getSequence());
      start(processor, 1);
      long[] times = new long[count / CHUNK];
      long startNs = System.nanoTime();
      for (int value = 0; value < count; value += batch) {
        if (value % CHUNK == 0) times[value / CHUNK] = System.nanoTime();
        if (batch == 1) {
          publish(ring, value);
        } else {
          long last = ring.next(batch), first = last - batch + 1;
          for (int k = 0; k < batch; k++) fill(ring.get(first + k), value + k);
          ring.publish(first, last);
        }
      }
      done.await();
      long endNs = System.nanoTime();
      processor.halt();
      ok &= sum[0] == 4L * count * (count - 1L);
      whole = count * 1e3 / (endNs - startNs);
      double[] rates = new double[times.length - 1];
      for (int k = 1; k < times.length; k++) rates[k - 1] = CHUNK * 1e3 / (times[k] - times[k - 1]);
      Arrays.sort(rates);
      chunk = rates[rates.length / 2];
    }
    System.out.printf("{\"whole\":%.3f,\"chunk\":%.3f,\"ok\":%b}%n", whole, chunk, ok);
  }

  static void roundTrip(int trips) throws Exception {
    int warmup = 200_000;
    RingBuffer<Message> there = ring(), back = ring();
    double[] samples = new double[trips];
    CountDownLatch done = new CountDownLatch(1);
    BatchEventProcessor<Message> echo =
        new BatchEventProcessor<>(there, there.newBarrier(), (m, seq, isEnd) -> publish(back, m.a));
    there.addGatingSequences(echo.getSequence());
    EventHandler<Message> handler = new EventHandler<>() {
      int trip = 0;
      long lastNs;

      public void onEvent(Message m, long seq, boolean isEndOfBatch) {
        long thisNs = System.nanoTime();
        if (trip > warmup) samples[trip - warmup - 1] = thisNs - lastNs;
        lastNs = thisNs;
        if (trip++ == warmup + trips) done.countDown();
        else publish(there, trip);
      }
    };
    BatchEventProcessor<Message> sender = new BatchEventProcessor<>(back, back.newBarrier(), handler);
    back.addGatingSequences(sender.getSequence());
    start(echo, 1);
    start(sender, 0);
    publish(there, 0);
    done.await();
    Arrays.sort(samples);
    StringBuilder line = new StringBuilder("{\"ok\":true,\"quantilesNs\":{");
    for (String q : new String[] {"0.01", "0.1", "0.25", "0.5", "0.75", "0.9", "0.99", "0.999"}) {
      if (line.charAt(line.length() - 1) != '{') line.append(',');
      line.append('"').append(q).append("\":").append(samples[(int) (Double.parseDouble(q) * trips)]);
    }
    System.out.println(line.append("}}"));
  }

  static void start(Runnable work, int core) throws Exception {
    Thread thread = new Thread(() -> {
      pin(core);
      work.run();
    });
    thread.setDaemon(true);
    thread.start();
    Thread.sleep(50);
  }

  static void pin(int core) {
    if (System.getenv("NOPIN") != null) return;
    try {
      String tid = Files.readSymbolicLink(Path.of("/proc/thread-self")).getFileName().toString();
      new ProcessBuilder("taskset", "-cp", Integer.toString(core), tid)
          .redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor();
    } catch (Exception ignored) {
      // Unpinned is slower for them or not, but never wrong.
    }
  }
}
