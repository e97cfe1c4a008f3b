# Records which method calls which while a program runs, for `benchmarks.traced_calls`:
#
#     FOLDER=/absolute/folder CALLS=calls.json ruby -I FOLDER -r ./benchmarks/traced_calls.rb PROGRAM
#
# CALLS becomes a list of [path, line and name of a method, [[path, line] of each call]], of files in
# FOLDER alone.
require 'json'

module TracedCalls
  ROOT = "#{ENV.fetch('FOLDER').chomp('/')}/"
  FOUND = Hash.new { |found, method| found[method] = {} }

  def self.inside(path)
    path[ROOT.size..] if path&.start_with?(ROOT)
  end

  TRACE = TracePoint.new(:call) do |point|
    if (path = inside(point.path))
      caller = caller_locations(2, 1)&.first
      from = caller && inside(caller.path)
      FOUND[[path, point.lineno, point.method_id]][[from, caller.lineno]] = true if from
    end
  end

  at_exit do
    TRACE.disable
    rows = FOUND.map { |method, places| [*method, places.keys] }
    File.write(ENV.fetch('CALLS'), JSON.generate(rows))
  end
  TRACE.enable
end
