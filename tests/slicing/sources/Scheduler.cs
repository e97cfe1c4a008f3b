using System;
using System.Collections.Generic;
using System.Threading.Tasks;

namespace Example.Scheduling
{
    /// <summary>When a job is run again.</summary>
    public enum Repeat
    {
        Never,
        Hourly,
        Daily,
    }

    public delegate void JobFinished(object sender, string name);

    public interface IJob
    {
        string Name { get; }

        Task RunAsync();
    }

    public readonly struct Slot
    {
        public readonly DateTime At;
        public readonly IJob Job;
    }

    public record Result(string Name, bool Succeeded);

    /// <summary>
    /// Runs jobs at their time.
    /// </summary>
    [Serializable]
    public sealed class Scheduler : IDisposable
    {
        private const int Limit = 32;
        private readonly List<Slot> _slots = new();

        public event JobFinished Finished;

        public Scheduler(TimeSpan tick)
        {
            Tick = tick;
            if (tick <= TimeSpan.Zero)
            {
                throw new ArgumentOutOfRangeException(nameof(tick));
            }
        }

        public TimeSpan Tick { get; }

        public int Pending
        {
            get
            {
                lock (_slots)
                {
                    return _slots.Count;
                }
            }
        }

        [Obsolete("use AddAsync")]
        public void Add(IJob job, Repeat repeat = Repeat.Never)
        {
            if (_slots.Count >= Limit)
            {
                throw new InvalidOperationException("too many jobs");
            }
            _slots.Add(new Slot());
        }

        // Jobs of one slot run one after the other.
        private async Task<Result> RunAsync(Slot slot)
        {
            try
            {
                await slot.Job.RunAsync();
                return new Result(slot.Job.Name, true);
            }
            catch (Exception)
            {
                return new Result(slot.Job.Name, false);
            }
        }

        public static Scheduler operator +(Scheduler left, IJob right)
        {
            left.Add(right);
            return left;
        }

        public void Dispose() => _slots.Clear();
    }
}
