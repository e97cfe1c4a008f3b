terraform { required_version = ">1" }
provider "aws" { region = "x" }
variable "region" {
  type = string
}
resource "aws_instance" "web" {
  ami = var.x
  ebs_block_device { a = 1 }
}
data "aws_ami" "ubuntu" { }
locals {
  name = "x"
  other = 3
}
module "vpc" { source = "./vpc" }
output "ip" { value = 1 }
region = "eu"
