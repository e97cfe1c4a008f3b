// Divides a clock.
module blink #(parameter WIDTH = 8) (input clk, output reg led);
  localparam TOP = 100;
  reg [WIDTH-1:0] count;
  wire full = count == TOP;

  function [7:0] next;
    input [7:0] value;
    next = value + 1;
  endfunction

  task clear;
    count = 0;
  endtask

  always @(posedge clk) begin
    if (full) led <= ~led;
  end
endmodule
