package org.example.parsing

import scala.annotation.tailrec
import scala.util.{Failure, Success, Try}

type Input = String

/** What a parser returns. */
sealed trait Outcome[+A] {
  def map[B](f: A => B): Outcome[B]

  def isSuccess: Boolean = this match {
    case Parsed(_, _) => true
    case Rejected(_)  => false
  }
}

case class Parsed[+A](value: A, rest: String) extends Outcome[A] {
  override def map[B](f: A => B): Outcome[B] = Parsed(f(value), rest)
}

final case class Rejected(reason: String) extends Outcome[Nothing] {
  override def map[B](f: Nothing => B): Outcome[B] = this
}

object Parser {
  val MaxDepth = 100

  implicit val ordering: Ordering[Position] = Ordering.by(_.offset)

  // Skips white space.
  @tailrec
  def skip(input: String): String = {
    if (input.headOption.exists(_.isWhitespace)) {
      skip(input.tail)
    } else {
      input
    }
  }

  def number(input: String): Outcome[Int] = {
    val digits = input.takeWhile(_.isDigit)
    Try(digits.toInt) match {
      case Success(value) => Parsed(value, input.drop(digits.length))
      case Failure(error) => Rejected(error.getMessage)
    }
  }
}

abstract class Parser[A](name: String) { self =>
  def run(input: String): Outcome[A]

  def or(other: Parser[A]): Parser[A] = new Parser[A](s"$name or ${other.label}") {
    def run(input: String): Outcome[A] = self.run(input) match {
      case Rejected(_) => other.run(input)
      case parsed      => parsed
    }
  }

  lazy val label: String = {
    val words = name.split(" ").toList
    words.map(_.capitalize).mkString(" ")
  }
}

enum Token:
  case Number(value: Int)
  case Word(text: String)

extension (input: String)
  def parsed: Outcome[Int] =
    val trimmed = Parser.skip(input)
    Parser.number(trimmed)

given Conversion[Int, Token] with
  def apply(value: Int): Token =
    Token.Number(value)
