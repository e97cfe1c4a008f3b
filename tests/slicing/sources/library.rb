# frozen_string_literal: true

require 'json'
require_relative 'book'

module Library
  VERSION = '1.2.0'
  GENRES = %w[crime poetry travel].freeze

  class NotFound < StandardError; end

  # A shelf keeps books in the order of their titles.
  class Shelf
    include Enumerable
    attr_reader :books

    def initialize(books = [])
      @books = books.sort_by(&:title)
    end

    def each(&block)
      books.each(&block)
    end

    # Finds a book by its title, or fails.
    def fetch(title)
      found = books.bsearch { |book| title <=> book.title }
      raise NotFound, title unless found

      found
    end

    def self.load(path)
      data = JSON.parse(File.read(path), symbolize_names: true)
      new(data.map { |row| Book.new(**row) })
    end

    class << self
      def empty
        new([])
      end
    end

    private

    def empty?
      books.empty?
    end
  end

  def self.open(path)
    shelf = Shelf.load(path)
    yield shelf if block_given?
    shelf
  end
end

def summary(shelf)
  shelf.group_by(&:genre).map do |genre, books|
    "#{genre}: #{books.size}"
  end.join("\n")
end

namespace :library do
  task :count do
    puts summary(Library.open('books.json'))
  end
end
