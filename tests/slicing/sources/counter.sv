`define WIDTH 8
package pkg;
  typedef enum logic [1:0] {IDLE, RUN} state_t;
  typedef struct packed { logic a; } pair_t;
  parameter int N = 3;
  function automatic int add(int a, int b); return a + b; endfunction
endpackage
interface bus_if(input logic clk);
  logic [7:0] data;
  modport master(output data);
endinterface
module top #(parameter W = 8) (input logic clk, output logic [W-1:0] q);
  localparam L = 2;
  logic [W-1:0] r;
  task reset; r = 0; endtask
  counter #(.W(W)) u_counter (.clk(clk));
  always_ff @(posedge clk) q <= r;
endmodule
class Packet extends Base;
  rand int len;
  function new(); endfunction
  virtual task run(); endtask
  constraint c { len > 0; }
endclass
